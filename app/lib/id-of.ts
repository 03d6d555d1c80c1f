import { notFound } from 'next/navigation';

/** The id in a page's address. Shows that there is no page where it cannot be one. */
export async function idOf(params: Promise<{ id: string }>): Promise<string> {
  const { id } = await params;
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) notFound();
  return id;
}

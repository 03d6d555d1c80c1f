/**
 * Sign-in's round trips: next-auth sends the browser to a provider and takes it back. Only what that needs is answered
 * here; who is signed in, the portal says.
 */
import type { NextRequest } from 'next/server';
import { handleSignIn } from '../sign-in.ts';

export const dynamic = 'force-dynamic';

export async function GET(request: NextRequest): Promise<Response> {
  return handleSignIn(request, {});
}

export async function POST(request: NextRequest): Promise<Response> {
  const form = request.headers.get('content-type')?.includes('application/json')
    ? await request.json().catch(() => ({}))
    : Object.fromEntries(new URLSearchParams(await request.text()));
  const fields = Object.entries(form as Record<string, unknown>).filter(([, value]) => typeof value === 'string');
  return handleSignIn(request, Object.fromEntries(fields) as Record<string, string>);
}

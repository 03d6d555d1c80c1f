/**
 * Opens a tab at once, while the click still counts, and leads it to where `address` resolves. The tab never gets hold of
 * this page. What `address` throws closes it again.
 */
export async function openInTab(address: () => Promise<string>): Promise<void> {
  const tab = window.open('', '_blank');
  if (tab) tab.opener = null;
  try {
    const url = await address();
    // Where the browser blocks new tabs, this one goes.
    if (tab) tab.location.replace(url);
    else location.assign(url);
  } catch (error) {
    tab?.close();
    throw error;
  }
}

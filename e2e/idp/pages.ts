/** The provider's pages: plain, and without anything from elsewhere. */

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center; background: #f4f5f7; color: #16191f; }
main { width: 20rem; padding: 2rem; background: #fff; border: 1px solid #d9dce3; border-radius: 8px; }
h1 { font-size: 1.125rem; margin: 0 0 1rem; }
label { display: block; margin-bottom: .75rem; font-size: .875rem; }
input, button { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem .75rem; border: 1px solid #8a91a0; border-radius: 6px; }
button { background: #1d4ed8; border-color: #1d4ed8; color: #fff; cursor: pointer; }
[role=alert] { color: #b42318; font-size: .875rem; margin: 0 0 .75rem; }
@media (prefers-color-scheme: dark) {
  body { background: #0f1115; color: #e6e8ec; }
  main { background: #171a21; border-color: #2b303b; }
  input { background: #0f1115; color: inherit; }
  [role=alert] { color: #f97066; }
}`;

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)} · demo provider</title><style>${STYLE}</style></head>
<body><main>
<h1>${escape(title)}</h1>
${body}
</main></body></html>`;
}

export function loginPage(options: { action: string; email: string; error?: string }): string {
  return page(
    'Demo identity provider',
    `<form method="post" action="${escape(options.action)}">
${options.error ? `<p role="alert">${escape(options.error)}</p>` : ''}
<label>Email<input name="email" type="email" autocomplete="username" required autofocus value="${escape(options.email)}"></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
<button type="submit">Sign in</button>
</form>`,
  );
}

/** `form` is the provider's own; the button answers it. */
export function logoutPage(form: string): string {
  return page(
    'Sign out here, too?',
    `${form}<button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>`,
  );
}

export function messagePage(title: string, message: string): string {
  return page(title, `<p>${escape(message)}</p>`);
}

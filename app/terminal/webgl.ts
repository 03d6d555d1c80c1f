import type { Terminal } from '@xterm/xterm';

/** Browsers keep about 16 contexts a page and drop the oldest without asking: visible panes share fewer. */
const MOST = 6;
let used = 0;

/**
 * Draws by WebGL while the terminal is visible; gives the context back on dispose. Where none is to be had, or it is
 * lost, xterm draws by DOM, which is slower and looks the same.
 */
export async function leaseWebgl(terminal: Terminal): Promise<Disposable> {
  const nothing = { [Symbol.dispose]() {} };
  if (used >= MOST) return nothing;
  used += 1;
  let held = true;
  const giveBack = () => {
    if (held) used -= 1;
    held = false;
  };
  try {
    const { WebglAddon } = await import('@xterm/addon-webgl');
    const addon = new WebglAddon();
    terminal.loadAddon(addon);
    addon.onContextLoss(() => {
      addon.dispose();
      giveBack();
    });
    return {
      [Symbol.dispose]() {
        if (held) addon.dispose();
        giveBack();
      },
    };
  } catch {
    giveBack();
    return nothing;
  }
}

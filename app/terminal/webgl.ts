import type { Terminal } from '@xterm/xterm';

/** Browsers keep about 16 contexts a page and drop the oldest without asking: visible panes share fewer. */
const MOST = 6;
let used = 0;

let accelerated: boolean | undefined;

/**
 * Whether WebGL is drawn by graphics hardware. By the processor (a virtual desktop, a remote session, a driver that the
 * browser does not trust) it is slower than elements are, and takes the time from everything else on the page.
 */
function isAccelerated(): boolean {
  if (accelerated === undefined) {
    const probe = document.createElement('canvas');
    const context = probe.getContext('webgl2', { failIfMajorPerformanceCaveat: true });
    accelerated = context !== null && !drawsInSoftware(context);
    // It would count among the page's contexts until it is collected.
    context?.getExtension('WEBGL_lose_context')?.loseContext();
  }
  return accelerated;
}

/** Not every browser counts its own software renderer as the caveat that it is. */
function drawsInSoftware(context: WebGL2RenderingContext): boolean {
  const info = context.getExtension('WEBGL_debug_renderer_info');
  const renderer: unknown = context.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : context.RENDERER);
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(String(renderer));
}

/**
 * Draws by WebGL while the terminal is visible; gives the context back on dispose. Where none is to be had, it is
 * lost, or the processor would draw it, xterm draws by DOM, which is slower and looks the same.
 */
export async function leaseWebgl(terminal: Terminal): Promise<Disposable> {
  const nothing = { [Symbol.dispose]() {} };
  if (used >= MOST || !isAccelerated()) return nothing;
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
    const drop = () => {
      if (held) addon.dispose();
      giveBack();
    };
    // The add-on would leave the screen as it is for three seconds, in case that the context comes back.
    terminal.element?.addEventListener('webglcontextlost', drop, { capture: true, once: true });
    return {
      [Symbol.dispose]() {
        terminal.element?.removeEventListener('webglcontextlost', drop, { capture: true });
        drop();
      },
    };
  } catch {
    giveBack();
    return nothing;
  }
}

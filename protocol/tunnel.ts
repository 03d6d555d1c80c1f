/** What both ends of a tunnel through the engine's exec agree on. See "Exec" in docs/protocol.md. */

/** Both sides prove the sandbox's secret, and a secret that leaks later opens no tunnel recorded earlier. */
export const TUNNEL_CIPHER = 'ECDHE-PSK-CHACHA20-POLY1305';

/** Bytes in flight on one HTTP/2 stream: enough that the engine's exec stays the narrowest place. */
export const TUNNEL_WINDOW = 1024 * 1024;

/** What portal and sandbox both know of the sandbox's inside. */

/** Where the person works: a tmpfs within the memory limit. */
export const HOME = '/home/sallyport';
/** Holds the kubeconfig's token, rewritten at each renewal; the kubeconfig names it as `tokenFile`. */
export const TOKEN_FILE = '/run/sallyport-user/token';
/** The session host listens here for Kubernetes clients: the kubeconfig's server is `https://127.0.0.1:6443`. */
export const KUBERNETES_PORT = 6443;
/** The session host listens here for what HTTP_PROXY and HTTPS_PROXY send. */
export const EGRESS_PORT = 3128;

/** Variables of a {@link Claim} that the image's prompt reads. */
export const PromptEnv = {
  /** The cluster's name. */
  cluster: 'SALLYPORT_CLUSTER',
  /** `1` on a production cluster. */
  production: 'SALLYPORT_PRODUCTION',
} as const;

/** A file transfer moves at most this many bytes of tar stream. */
export const FILE_TRANSFER_MAX = 256 * 1024 * 1024;

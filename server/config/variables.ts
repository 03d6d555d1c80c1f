/** Every variable that the portal reads: what it sets, and what holds without it. docs/configuration.md is its table. */

export type Variable = {
  /** One sentence for the table. */
  says: string;
  /** As it stands in the table; the value itself is in config.ts. */
  default: string;
  /** `NAME_FILE` may name a file that holds it instead; never logged. */
  secret?: true;
  /** Heading in the table. */
  section: string;
};

const variable = (section: string, says: string, fallback = '', secret?: true): Variable =>
  secret ? { section, says, default: fallback, secret } : { section, says, default: fallback };

export const variables = {
  SALLYPORT_PUBLIC_URL: variable(
    'Addresses',
    'What people type into the browser; an origin, without a path.',
    'http://localhost:<port>',
  ),
  SALLYPORT_HOST: variable('Addresses', 'Address to listen on.', '127.0.0.1'),
  SALLYPORT_PORT: variable('Addresses', 'Port to listen on; 0: any free one.', '8443 with a certificate, else 8080'),
  SALLYPORT_TLS_CERT: variable(
    'Addresses',
    'File of the PEM certificate chain for the portal and the gateway.',
    'none: plain HTTP',
  ),
  SALLYPORT_TLS_KEY: variable('Addresses', 'File of the PEM private key of that certificate.'),
  SALLYPORT_TRUSTED_PROXIES: variable(
    'Addresses',
    'CIDRs of reverse proxies whose X-Forwarded-For counts, separated by commas.',
    'none',
  ),
  SALLYPORT_MONITORING_FROM: variable(
    'Addresses',
    'CIDRs that may read /metrics and the details of /readyz.',
    '127.0.0.0/8,::1/128',
  ),
  SALLYPORT_GATEWAY_HOST: variable('Addresses', 'Address that the gateway listens on.', 'SALLYPORT_HOST'),
  SALLYPORT_GATEWAY_PORT: variable('Addresses', 'Port of the gateway; 0: any free one.', '6443'),
  SALLYPORT_GATEWAY_URL: variable(
    'Addresses',
    'What kubectl on a laptop calls; an origin.',
    "https://<the public URL's host>:<gateway port>",
  ),
  SALLYPORT_PROXY_DOMAIN: variable(
    'Addresses',
    'Domain, with a port where it is not the usual one, under which each service and each link that is opened in the browser has an origin of its own. Its certificate and DNS record are wildcards; it leads to the portal.',
    'localhost with the portal’s port where the public URL is on localhost, else none',
  ),
  SALLYPORT_CORS_ORIGINS: variable(
    'Addresses',
    'Origins of web applications whose pages may call the gateway with a link’s token, separated by commas.',
    'none',
  ),
  SALLYPORT_LINK_APP_DIR: variable(
    'Addresses',
    'Folder of a static web application that links lead to in the browser.',
    'none: a page that lists what the link opens',
  ),
  SALLYPORT_ERROR_DOCS_URL: variable(
    'Addresses',
    'Address of a mirror of the pages on errors, to which an error’s code is added.',
    'the portal’s own, /docs/errors/',
  ),
  SALLYPORT_DATA_DIR: variable(
    'Storage',
    'Keys, recordings, the embedded database.',
    '/var/lib/sallyport as root, else ~/.local/share/sallyport',
  ),
  SALLYPORT_FSYNC: variable(
    'Storage',
    'Whether recordings and the audit journal wait for the disk at each write, and so outlive a power cut: `on` or `off`. A key then takes as long as the disk.',
    'off',
  ),
  DATABASE_URL: variable(
    'Storage',
    'Postgres 15 or newer, as the role that the portal works as.',
    'the embedded one',
    true,
  ),
  MIGRATION_DATABASE_URL: variable(
    'Storage',
    'The same database, as the role that owns the tables and migrates them.',
    'DATABASE_URL',
    true,
  ),
  SALLYPORT_MASTER_KEY: variable(
    'Keys',
    'Seals credentials at rest: 32 bytes, base64. Several, white space between: the first seals, all open (docs/operations.md, “Keys”).',
    'made at the first start',
    true,
  ),
  SALLYPORT_SIGNING_KEY: variable(
    'Keys',
    'Signs tokens: P-256 private key, PKCS #8 PEM; several: the first signs, all verify. Replicas share them.',
    'made at the first start',
    true,
  ),
  SALLYPORT_LOCAL_SIGN_IN: variable('Sign-in', 'Local users with passwords: `on` or `off`.', 'on'),
  SALLYPORT_SIGN_IN_HOURS: variable(
    'Sign-in',
    'A sign-in lasts this long; then its pages close, and sessions wait detached for a new one.',
    '12',
  ),
  SALLYPORT_ISSUER_PRIVATE: variable(
    'Sign-in',
    'Private and loopback addresses at which issuers of CI jobs’ id tokens may be, a GitLab of your own for example: CIDRs, separated by commas; `on`: any; `off`: none.',
    'off',
  ),
  SALLYPORT_KUBECONFIG_HOURS: variable(
    'Sign-in',
    'Longest life of a kubeconfig that people download; a role’s longest session time caps it too.',
    '8',
  ),
  SALLYPORT_KUBECONFIG_ENDS_WITH_SIGN_OUT: variable(
    'Sign-in',
    'Whether signing out revokes the kubeconfigs that were downloaded in that sign-in: `on` or `off`.',
    'off',
  ),
  SALLYPORT_ADMIN_GROUPS: variable(
    'Sign-in',
    'Groups that the first start gives the role admin, separated by commas.',
    'sallyport-admins',
  ),
  SALLYPORT_OIDC_ISSUER: variable('Sign-in', 'Issuer URL of the OpenID provider.', 'none'),
  SALLYPORT_OIDC_CLIENT_ID: variable('Sign-in', "The portal's client id there."),
  SALLYPORT_OIDC_CLIENT_SECRET: variable('Sign-in', "The client's secret.", '', true),
  SALLYPORT_OIDC_NAME: variable('Sign-in', 'What the sign-in button calls it: "Sign in with …".', 'single sign-on'),
  SALLYPORT_OIDC_SCOPES: variable('Sign-in', 'Scopes asked for, separated by spaces.', 'openid email profile'),
  SALLYPORT_OIDC_EXTRA_ISSUERS: variable(
    'Sign-in',
    'Further issuers accepted in id tokens, separated by commas.',
    'none',
  ),
  SALLYPORT_OIDC_EXTRA_AUDIENCES: variable(
    'Sign-in',
    'Further audiences accepted in id tokens, separated by commas.',
    'none',
  ),
  SALLYPORT_OIDC_METADATA_URL: variable(
    'Sign-in',
    "Where the portal itself reads the provider's metadata, if not at the issuer.",
    '<issuer>/.well-known/openid-configuration',
  ),
  SALLYPORT_OIDC_NAME_CLAIM: variable('Sign-in', "Claim that holds a person's name.", 'name'),
  SALLYPORT_OIDC_GROUPS_CLAIM: variable('Sign-in', "Claim that holds a person's groups.", 'groups'),
  SALLYPORT_GITHUB_CLIENT_ID: variable('Sign-in', 'Client id of a GitHub OAuth application.', 'none'),
  SALLYPORT_GITHUB_CLIENT_SECRET: variable('Sign-in', 'Its client secret.', '', true),
  SALLYPORT_GITHUB_GROUPS: variable(
    'Sign-in',
    'Groups by organisation or team: `acme=dev,acme/admins=admins`. Who is in none of them is refused.',
    'none',
  ),
  SALLYPORT_GITHUB_URL: variable('Sign-in', 'GitHub Enterprise Server: its address.', 'https://github.com'),
  SALLYPORT_GITHUB_API_URL: variable('Sign-in', 'Its API.', 'https://api.github.com'),
  DOCKER_HOST: variable(
    'Sandboxes',
    'The container engine: `unix:///path` or `tcp://host:port`.',
    'unix:///var/run/docker.sock',
  ),
  SALLYPORT_SANDBOX_IMAGE: variable('Sandboxes', 'Image of terminal sandboxes.', 'sallyport-sandbox:latest'),
  SALLYPORT_SANDBOX_MODE: variable(
    'Sandboxes',
    '`socket`: sockets in a shared folder; `exec`: through the engine; `auto`: sockets where they work.',
    'auto',
  ),
  SALLYPORT_SANDBOX_MEMORY_MB: variable('Sandboxes', 'Memory of one, its home included.', '512'),
  SALLYPORT_SANDBOX_PIDS: variable('Sandboxes', 'Processes in one.', '256'),
  SALLYPORT_SANDBOX_CPUS: variable('Sandboxes', 'CPUs of one.', '1'),
  SALLYPORT_SANDBOX_HOME_MB: variable('Sandboxes', 'Size of the home folder, within the memory.', 'half of the memory'),
  SALLYPORT_SANDBOX_RUNTIME: variable('Sandboxes', 'Runtime class of the engine, as `runsc`.', "the engine's"),
  SALLYPORT_WARM_POOL: variable('Sandboxes', 'Sandboxes kept ready.', '2'),
  SALLYPORT_RUNTIME_DIR: variable(
    'Sandboxes',
    'Folder of the session sockets; short, for socket paths end at 107 bytes.',
    '<data dir>/run',
  ),
  SALLYPORT_EGRESS_ALLOW: variable(
    'Sandboxes',
    'Hosts that shells may reach, `host[:port]`, `*.host`, separated by commas; port 443 where not said.',
    'none',
  ),
  SALLYPORT_EGRESS_PRIVATE: variable('Sandboxes', 'CIDRs of private ranges that allowed hosts may resolve to.', 'none'),
  SALLYPORT_CLUSTER_PRIVATE: variable(
    'Clusters',
    'Private and loopback addresses that clusters may be registered with in the portal: CIDRs, separated by commas; `on`: any; `off`: none. A cluster that `npm run up` or `cluster add` registers on the server needs no leave.',
    'off',
  ),
  SALLYPORT_AUDIT_MASK: variable(
    'Logs',
    'What else the audit log masks in the bodies of Kubernetes writes, beside Secrets and what is named as a secret: paths of keys, separated by commas, `*` for any key or place in a list, as `spec.values.*.dsn`.',
    'none',
  ),
  SALLYPORT_STREAM_RECORDING_MB: variable(
    'Limits',
    'Mebibytes after which the recording of an exec or attach of people’s own tools goes on no longer (a large file that is copied); where a role requires recordings they have no end.',
    '64',
  ),
  SALLYPORT_API_RATE: variable('Limits', 'Kubernetes calls a second of one credential.', '100'),
  SALLYPORT_API_BURST: variable('Limits', 'As many at once before that counts.', '200'),
  SALLYPORT_API_QUEUE: variable('Limits', 'As many wait for their turn; the next one is refused with 429.', '50'),
  SALLYPORT_REST_RATE: variable('Limits', 'REST requests a second of one person, or of one address.', '50'),
  SALLYPORT_REST_BURST: variable('Limits', 'As many at once before that counts; then 429.', '200'),
  SALLYPORT_SESSION_STREAMS: variable(
    'Limits',
    'Streams that one session may have open: watches, followed logs, exec, attach, port-forward.',
    '100',
  ),
  SALLYPORT_SESSION_IDLE_MINUTES: variable(
    'Sessions',
    'Default of new roles: end after this long without input.',
    '15',
  ),
  SALLYPORT_SESSION_DETACHED_MINUTES: variable(
    'Sessions',
    'Default of new roles: end after this long without a page.',
    '5',
  ),
  SALLYPORT_SESSION_HARD_CAP_MINUTES: variable('Sessions', 'Default of new roles: end after this long.', '480'),
  SALLYPORT_SESSION_MAX: variable('Sessions', 'Default of new roles: terminals a person may have at once.', '3'),
  SALLYPORT_DEVELOPER_NAMESPACES: variable(
    'Sessions',
    'Namespaces of the role developer that the first start makes.',
    'default',
  ),
  SALLYPORT_WEB_URL: variable('Web', 'A web that runs elsewhere, instead of the one that the portal starts.', 'none'),
  SALLYPORT_WEB_SECRET: variable(
    'Web',
    "next-auth's own secret, shared with a web that runs elsewhere.",
    'made at the first start',
    true,
  ),
  SALLYPORT_INTERNAL_HOST: variable('Web', 'Address on which the portal takes sign-ins from web.', '127.0.0.1'),
  SALLYPORT_INTERNAL_PORT: variable('Web', 'Its port; 0: any free one.', '0'),
  SALLYPORT_LOG_LEVEL: variable('Logs', '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`.', 'info'),
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof variables;

/** The system packages that each part needs, with what tells that they are there. */
import type { Need } from './packages.ts';

export const ENGINE_NEEDS: Need[] = [
  { file: 'dockerd', package: 'docker.io', for: 'the container engine' },
  { file: 'containerd', package: 'containerd', for: 'containers' },
  { file: 'runc', package: 'runc', for: 'containers' },
];

/** For the image of shells where no registry answers. */
export const IMAGE_NEEDS: Need[] = [
  { file: 'mmdebstrap', package: 'mmdebstrap', for: 'the base of the sandbox image' },
];

export const CLUSTER_NEEDS: Need[] = [
  { file: 'containerd', package: 'containerd', for: "the node's containers" },
  { file: 'runc', package: 'runc', for: "the node's containers" },
  { file: '/usr/lib/cni/bridge', package: 'containernetworking-plugins', for: "pods' network" },
  { file: 'iptables', package: 'iptables', for: 'the kubelet' },
  { file: 'ip', package: 'iproute2', for: "the node's bridge" },
  { file: 'mount', package: 'mount', for: "pods' volumes" },
  { file: '/bin/busybox', package: 'busybox-static', for: "pods' images" },
];

export const BROWSER_NEEDS: Need[] = [{ file: 'chromium', package: 'chromium', for: 'the tests in a browser' }];

/** pip comes with the first. */
export const PYTHON_NEEDS: Need[] = [
  { file: 'python3', package: 'python3', for: 'the official Python client' },
  { file: '/usr/share/doc/python3-venv', package: 'python3-venv', for: 'the official Python client' },
];

export const COMPOSE_NEEDS: Need[] = [
  { file: 'docker-compose', package: 'docker-compose', for: 'the check of docker-compose.yml' },
];

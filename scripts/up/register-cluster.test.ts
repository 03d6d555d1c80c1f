import { expect, test } from 'vitest';
import { clusterName } from './register-cluster.ts';

test.each([
  ['staging', 'staging'],
  ['arn:aws:eks:eu-central-1:123456789012:cluster/Team_A', 'eu-central-1-123456789012-cluster-team-a'],
  ['gke_project_europe-west1-b_main', 'gke-project-europe-west1-b-main'],
  ['Kubernetes Admin@kubernetes', 'kubernetes-admin-kubernetes'],
  ['…', 'cluster'],
])('calls the cluster of the context %s', (context, name) => {
  expect(clusterName(context)).toBe(name);
  expect(clusterName(context)).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
});

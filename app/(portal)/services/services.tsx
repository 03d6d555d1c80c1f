'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { AppWindow, ExternalLink } from 'lucide-react';
import { useSearchParams } from 'next/navigation';
import type { Service } from '../../../server/http/schemas.ts';
import { api } from '../../lib/api.ts';
import { queries } from '../../lib/queries.ts';
import { Button } from '../../ui/button.tsx';
import { Icon } from '../../ui/glyph.tsx';
import { PageBody } from '../../ui/layout.tsx';
import { OwnList } from '../../ui/own-list.tsx';
import { ProductionMark } from '../../ui/status.tsx';
import { LastUse } from '../../ui/time.tsx';
import { toastFailure } from '../../ui/toast.tsx';
import { openInTab } from './open-in-tab.ts';
import { ServiceForm } from './service-form.tsx';

/** What clusters serve to browsers, a dashboard say: opened here, each at an address of its own. */
export function Services() {
  const list = useQuery(queries.services());
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: ['services'] });
  const search = useSearchParams();
  const asked = search.get('open');
  const open = (service: Service, path = '/') =>
    openInTab(async () => (await api.openService(again(service, path))).url)
      .catch(toastFailure)
      .finally(() => void refresh());
  const came = list.data?.items.find(({ label }) => label === asked);
  return (
    <PageBody title="Services">
      {asked && list.data ? (
        <section className="card mb-6 flex flex-wrap items-center gap-4 p-4" aria-label="Where you came from">
          {came ? (
            <>
              <p className="min-w-[200px] flex-1">
                This browser is not let in at <code className="break-all">{came.origin}</code> any more.
              </p>
              <Button kind="primary" onClick={() => void open(came, pathOf(search.get('path')))}>
                <Icon of={ExternalLink} /> Open {came.name} again
              </Button>
            </>
          ) : (
            <p>You have not opened the service at that address. Open it below, if you may.</p>
          )}
        </section>
      ) : null}
      <OwnList
        id="services"
        title="Opened in the browser"
        list={list}
        waiting="Asking for your services"
        empty={{
          icon: AppWindow,
          title: 'No service',
          words:
            'A dashboard or another web application that runs on a cluster opens here, in the browser, as you. Every request to it is on record.',
        }}
        add={{ action: 'Open a service', form: (close) => <ServiceForm onClose={close} /> }}
        row={(service) => (
          <>
            <span className="flex min-w-[140px] flex-1 items-center gap-2">
              <Button size="sm" aria-label={`Open ${service.name}`} onClick={() => void open(service)}>
                <Icon of={ExternalLink} /> Open
              </Button>
              <span className="truncate" title={service.origin}>
                {service.name}
              </span>
              <ProductionMark production={service.cluster.production} short />
            </span>
            <span className="text-muted">
              {service.kind} in {service.namespace} on {service.cluster.name}
              {service.port ? `, port ${service.port}` : ''}
            </span>
            <span className="text-muted">{service.role}</span>
            <span className="text-muted">{service.open ? <LastUse at={service.lastUsedAt} /> : 'ended'}</span>
          </>
        )}
        remove={{
          action: 'End',
          label: (service) => `End ${service.name}`,
          blocked: (service) => (service.open ? null : 'It has ended.'),
          question: (service) => `End ${service?.name ?? ''}?`,
          words: 'Its pages are refused from the next request on; what runs in them now ends.',
          act: (service) => api.closeService(service.id),
        }}
        refresh={refresh}
      />
    </PageBody>
  );
}

function again({ cluster, role, kind, namespace, name, port, scheme }: Service, path: string) {
  return { cluster: cluster.name, role, kind, namespace, name, port, scheme, path };
}

/** A path that came by the address; what is none goes to the first page. */
function pathOf(path: string | null): string {
  return path !== null && /^\/(?![/\\])[!-~]{0,2000}$/.test(path) ? path : '/';
}

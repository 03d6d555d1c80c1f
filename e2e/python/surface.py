"""What a program with the official Python client does, through a kubeconfig: prints one JSON object of what it saw."""

import json
import sys

from kubernetes import client, config, watch
from kubernetes.stream import stream
from kubernetes.stream.ws_client import ERROR_CHANNEL

namespace, image = sys.argv[1:3]
config.load_kube_config()
core = client.CoreV1Api()
apps = client.AppsV1Api()
seen = {}

seen["version"] = client.VersionApi().get_code().git_version
seen["user"] = client.AuthenticationV1Api().create_self_subject_review({}).status.user_info.username

body = {"metadata": {"name": "map", "labels": {"app": "x"}}, "data": {"a": "1"}}
core.create_namespaced_config_map(namespace, body)
core.patch_namespaced_config_map("map", namespace, {"data": {"b": "2"}})
core.replace_namespaced_config_map("map", namespace, {**body, "data": {"c": "3"}})
seen["map"] = core.read_namespaced_config_map("map", namespace).data
seen["listed"] = [one.metadata.name for one in core.list_namespaced_config_map(namespace, label_selector="app=x").items]

pages, token = 0, None
while True:
    page = core.list_namespace(limit=2, _continue=token)
    pages, token = pages + 1, page.metadata._continue
    if not token:
        break
seen["pages"] = pages > 1

changes = []
looking = watch.Watch()
for event in looking.stream(core.list_namespaced_config_map, namespace, label_selector="app=x", timeout_seconds=20):
    changes.append([event["type"], event["object"].metadata.name])
    if len(changes) == 1:
        core.delete_namespaced_config_map("map", namespace)
    elif event["type"] == "DELETED":
        looking.stop()
seen["changes"] = changes

container = {"name": "main", "image": image, "imagePullPolicy": "Never", "command": ["sleep", "3600"]}
core.create_namespaced_pod(namespace, {"metadata": {"name": "py"}, "spec": {"containers": [container]}})
looking = watch.Watch()
for event in looking.stream(core.list_namespaced_pod, namespace, field_selector="metadata.name=py", timeout_seconds=60):
    if event["object"].status.phase == "Running":
        looking.stop()
run = stream(
    core.connect_get_namespaced_pod_exec,
    "py",
    namespace,
    command=["sh", "-c", "read line; echo got $line; exit 3"],
    stdin=True,
    stdout=True,
    stderr=True,
    tty=False,
    _preload_content=False,
)
run.write_stdin("hello\n")
run.run_forever(timeout=20)
seen["exec"] = [run.read_stdout().strip(), run.returncode]
seen["logs"] = core.read_namespaced_pod_log("py", namespace)
core.delete_namespaced_pod("py", namespace, grace_period_seconds=0)

scale = {"metadata": {"name": "none"}, "spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}}}
scale["spec"]["template"] = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}}
apps.create_namespaced_deployment(namespace, scale)
seen["scale"] = apps.read_namespaced_deployment_scale("none", namespace).spec.replicas
apps.delete_namespaced_deployment("none", namespace)

try:
    core.create_namespaced_service_account_token("default", namespace, {"spec": {"audiences": []}})
except client.ApiException as refused:
    seen["refused"] = [refused.status, json.loads(refused.body)["message"]]

print(json.dumps(seen))

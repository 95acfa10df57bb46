"""Prints the experiment of rendered manifests, after checks that the API's schemas do not make.

check-manifests.py RENDERED.yaml: every container is confined, every volume that is mounted is there, and the
names that nodes are given are those that the service and the policies have.
"""

import sys

import yaml


def fail(what):
    sys.exit(f"check-manifests: {what}")


def check_pod(name, spec):
    if spec.get("automountServiceAccountToken") is not False:
        fail(f"{name} gets a token of the API")
    context = spec["securityContext"]
    if not context["runAsNonRoot"] or context["seccompProfile"]["type"] != "RuntimeDefault":
        fail(f"{name} may run as root, or without seccomp")
    volumes = {volume["name"] for volume in spec["volumes"]}
    for container in spec["containers"]:
        own = container["securityContext"]
        if own["allowPrivilegeEscalation"] or not own["readOnlyRootFilesystem"]:
            fail(f"{name} may gain privileges, or write to its root file system")
        if own["capabilities"] != {"drop": ["ALL"]}:
            fail(f"{name} keeps capabilities")
        if not {"cpu", "memory"} <= container["resources"]["requests"].keys():
            fail(f"{name} requests no cpu or memory")
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        if mounted != volumes:
            fail(f"{name} mounts {sorted(mounted)} of {sorted(volumes)}")


def matches(selector, labels):
    return selector["matchLabels"].items() <= labels.items()


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        found = {(item["kind"], item["metadata"]["name"]): item for item in yaml.safe_load_all(file)}
    jobs = {name: found["Job", name]["spec"] for name in ("wafer-coordinator", "wafer-nodes")}
    for name, job in jobs.items():
        check_pod(name, job["template"]["spec"])
        labels = job["template"]["metadata"]["labels"]
        policy = found["NetworkPolicy", name]["spec"]
        if not matches(policy["podSelector"], labels) or policy["policyTypes"] != ["Ingress", "Egress"]:
            fail(f"the policy {name} does not hold for its pods")
    nodes = jobs["wafer-nodes"]
    if nodes["completionMode"] != "Indexed" or nodes["completions"] != nodes["parallelism"]:
        fail("nodes have to run all at once, each with its index")
    service = found["Service", "wafer-coordinator"]["spec"]
    if not service["selector"].items() <= jobs["wafer-coordinator"]["template"]["metadata"]["labels"].items():
        fail("the service does not find the coordinator")
    if service["clusterIP"] != "None":
        fail("the service is not headless")
    environment = {
        entry["name"]: entry["value"] for entry in nodes["template"]["spec"]["containers"][0]["env"]
    }
    if environment["WAFER_COORDINATOR"] != f"tcp://wafer-coordinator:{service['ports'][0]['port']}":
        fail("nodes are told another address than the service's")
    ingress = found["NetworkPolicy", "wafer-nodes"]["spec"]["ingress"][0]["ports"][0]
    if environment["WAFER_PORTS"] != f"{ingress['port']}-{ingress['endPort']}":
        fail("the policy lets other ports through than nodes bind")
    volumes = {volume["name"]: volume for volume in jobs["wafer-coordinator"]["template"]["spec"]["volumes"]}
    experiment = found["ConfigMap", volumes["experiment"]["configMap"]["name"]]
    print(experiment["data"]["experiment.yaml"], end="")


main()

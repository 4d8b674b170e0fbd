import pulumi

config = pulumi.Config()
service = config.require("service")
replicas = config.require_int("replicas")

pulumi.Stash(
    "settings",
    input={
        "service": service,
        "replicas": replicas,
        "regions": config.require_object("regions"),
    },
)
credentials = pulumi.Stash("credentials", input=config.require_secret("token"))

pulumi.export("endpoint", f"https://{service}.example.com")
pulumi.export("replicas", replicas)
pulumi.export("token", credentials.input)

"""A client that shows status, headers and body as they are."""

import requests


class Client:
    """A thin client, so that a test sees status, headers and body as they are."""

    def __init__(self, fake, token=None):
        self.fake = fake
        self.token = fake.token() if token is None else token
        self.session = requests.Session()
        self.session.trust_env = False

    def __call__(self, method, path, body=None, *, token=None, headers=None, **options):
        secret = self.token if token is None else token
        found = {"User-Agent": "tests", **({"Authorization": f"Bearer {secret}"} if secret else {}), **(headers or {})}
        address = path if path.startswith("http") else f"{self.fake.url}/repos/{self.fake.name}{path}"
        sent = {"data": body} if isinstance(body, bytes) else {"json": body}
        return self.session.request(method, address, headers=found, timeout=10, **sent, **options)

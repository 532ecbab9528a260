"""Swaps a token for a value in the Authorization header: the least that an addon can do."""

import os

TOKEN = os.environ["SWAP_TOKEN"]
VALUE = os.environ["SWAP_VALUE"]


def request(flow):
    authorization = flow.request.headers.get("authorization")
    if authorization is not None and TOKEN in authorization:
        flow.request.headers["authorization"] = authorization.replace(TOKEN, VALUE)

"""Four fake providers on four loopback ports, for the official clients to be tried against.

`python3 tests/clients/fake_upstream` prints one line of JSON with the address of each and serves until standard input
is closed. `scenario.py` says which prompts get which answers.
"""

import json
import sys
import threading

from anthropic import Anthropic
from exchange import FakeServer
from gemini import Gemini
from ollama import Ollama
from openai import OpenAi


def main():
    wires = {"openai": OpenAi(), "anthropic": Anthropic(), "gemini": Gemini(), "ollama": Ollama()}
    servers = {name: FakeServer(wire) for name, wire in wires.items()}
    for server in servers.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({name: server.address for name, server in servers.items()}), flush=True)
    # The caller that started this process holds the other end; when it is gone, so is this.
    sys.stdin.read()


if __name__ == "__main__":
    main()

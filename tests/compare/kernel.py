"""A Jupyter kernel (ipykernel) behind jupyter_client, as notebook servers for models use one."""

from jupyter_client.manager import start_new_kernel
from line_server import serve

manager, client = start_new_kernel(kernel_name="python3")


def run(code):
    texts = []

    def output(message):
        content = message["content"]
        if message["msg_type"] == "stream":
            texts.append(content["text"])
        elif message["msg_type"] == "execute_result":
            texts.append(content["data"]["text/plain"] + "\n")
        elif message["msg_type"] == "error":
            texts.append("\n".join(content["traceback"]))

    client.execute_interactive(code, output_hook=output, allow_stdin=False)
    return "".join(texts)


try:
    serve("kernel", run, lambda: run("%who_ls"))
finally:
    manager.shutdown_kernel(now=True)

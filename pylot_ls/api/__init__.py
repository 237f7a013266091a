"""The HTTP API: OpenAI's and llama-server's, on the engines that the editors use.

The only importer of fastapi, starlette, uvicorn and prometheus_client.
"""

"""The process that downloads one model: `python -m whisperd.puller`, started by the daemon, ended with the download.

The only importer of huggingface_hub. It imports its own files and what makes it die with the daemon.
"""

"""Makes every worker started with this folder on PYTHONPATH run out of memory when it decodes two chunks at once, of
the four that the daemon has it decode.

A machine with little memory can't be had on demand; what is injected is the exception that a library raises on one.
"""

import sys

if "whisperd.worker" in sys.orig_argv:
    from whisperd.worker import decoding

    decode = decoding.decode_chunks

    def decode_one(model, chunks, options):
        if len(chunks) > 1:
            raise RuntimeError("CUDA failed with error out of memory")
        return decode(model, chunks, options)

    decoding.decode_chunks = decode_one

elif "whisperd" in sys.orig_argv:
    from whisperd.jobs import batching

    batching.cpu_batch_size = lambda _: 4

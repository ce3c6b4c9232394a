"""Real weights and real voices for tests and benchmarks, fetched once and checked; recordings made of the voices.

`parts` says what there is and its checksums, `fetch` brings it (`make real-data`), `prompts` reads the voices,
`sounds` makes what is not speech, `recordings` puts both together and knows the truth, `scoring` compares a text with
that truth, `sets` names the recordings that are measured.
"""

"""Pure rules about jobs: states and transitions, what runs next, retry, estimates. No I/O."""

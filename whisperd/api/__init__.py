"""The use cases behind the methods, one module a method group; the only callers of scheduler and store from outside."""

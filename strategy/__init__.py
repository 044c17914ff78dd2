"""The quant library: pure functions on frames and arrays."""

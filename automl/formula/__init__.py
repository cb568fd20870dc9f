"""What a predictor computes, written down instead of computed: the way to runtimes that know neither numpy nor us."""

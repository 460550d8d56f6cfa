"""SplitSR (Liu et al. 2021) and what is built in its slots."""

"""The figures that whisperd has to reach, measured on any machine as ratios within one run."""

"""From sufficient statistics to estimates: values, paired differences, intervals and the evidence gates judge on."""

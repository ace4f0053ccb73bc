"""The whole service on one machine, with a simulated carrier and a made-up clinic."""

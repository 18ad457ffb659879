"""The sample: two small collections with three days behind them, and a provider on this machine that serves today."""

"""Deploys a repo, or a Space together with its relay: preparation, execution, proof."""

"""A run over the targets of a manifest: effects over `manifest` and the façade of single deploys."""

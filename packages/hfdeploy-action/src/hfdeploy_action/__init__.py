"""hfdeploy as a GitHub Action: inputs in; outputs, summary and annotations out."""

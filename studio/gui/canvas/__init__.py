"""The pipeline as connected cards."""

"""Keep the catalogue; redeem and resolve."""

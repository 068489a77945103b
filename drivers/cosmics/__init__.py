"""What only the cosmics pipeline has: its definition, cut sets, tables, commands."""

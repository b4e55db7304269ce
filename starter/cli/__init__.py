"""The commands of `regua`, one module per area. Their modules import nothing slow: that is left to the commands."""

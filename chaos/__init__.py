"""Endurance: the demo's portfolio plays while every process is killed again and again, and nothing may be lost."""

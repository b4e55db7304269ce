"""The auditor's side: archive of histories, replay, timeline, verification, anchors, export.

Everything here reads; nothing decides, sends or changes a case. What is found is told as `audit.findings.Finding`.
"""

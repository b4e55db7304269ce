"""Bank files: what banks report about titles and money, read strictly and refused whole where something is wrong."""

from domain.bank.model import BankFile, Kind, Layout, OurNumber, Record, Sums, bare_number

__all__ = ["BankFile", "Kind", "Layout", "OurNumber", "Record", "Sums", "bare_number"]

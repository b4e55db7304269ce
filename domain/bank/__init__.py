"""Bank files: what banks report about titles and money, read strictly and refused whole where something is wrong.

`read_bank_file` reads return files (CNAB 240 and 400) of the banks in `domain/data/bank/forms.csv`, and OFX statements.
"""

from domain.bank.model import BankFile, Kind, Layout, OurNumber, Record, Sums, bare_number
from domain.bank.reading import read_bank_file

__all__ = ["BankFile", "Kind", "Layout", "OurNumber", "Record", "Sums", "bare_number", "read_bank_file"]

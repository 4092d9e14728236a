"""What the tests of imported eval sets share."""

from import_case import ImportCase, hashlib, reference

QUERIES = "SELECT b.text,e.active FROM eval_entry e JOIN body b ON b.body_id=e.query_body ORDER BY 1"


def entry(query, should=True, **more):
    return {"query": query, "should_trigger": should, **more}


class EvalSetCase(ImportCase):
    def these(self, *statements):
        return reference.script([*reference.tables(), *statements])

    def fate(self, skill="pdf"):
        return self.q("SELECT verdict,reason FROM imported_rows WHERE table_name='canonical_eval_sets' AND row_id=?", skill)[0]

    @staticmethod
    def id_of(skill, query):
        return hashlib.sha256(b"%s\x1f%s" % (skill.encode(), query.encode())).hexdigest()[:12]

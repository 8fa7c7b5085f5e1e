// Rows of text to a tuplestore.
#include "server/rows.h"

#include "core/pg/timestamp.h"
#include "server/encoding.h"

extern "C" {
#include "access/htup_details.h"
#include "funcapi.h"
#include "nodes/execnodes.h"
#include "utils/tuplestore.h"
}

namespace pitr::server {

Cell TextOrNull(const std::string& text) { return text.empty() ? Cell() : Cell(text); }
Cell BoolCell(bool value) { return value ? "true" : "false"; }
Cell NumberCell(uint64_t value) { return std::to_string(value); }

Cell TimestampOrNull(int64_t wall_micros) { return wall_micros == 0 ? Cell() : FormatTimestamp(wall_micros); }

Cell LsnOrNull(Lsn lsn) { return lsn.valid() ? Cell(lsn.ToString()) : Cell(); }

void ReturnRows(FunctionCallInfo fcinfo, const std::vector<Row>& rows) {
  PgCall([fcinfo] { InitMaterializedSRF(fcinfo, 0); });
  auto* info = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  AttInMetadata* metadata = PgCall([info] { return TupleDescGetAttInMetadata(info->setDesc); });
  const size_t columns = static_cast<size_t>(info->setDesc->natts);
  std::vector<char*> values(columns);
  for (const Row& row : rows) {
    if (row.size() != columns) {
      RaiseFromCpp(ERRCODE_INTERNAL_ERROR,
                   "pg_pitr: the function declares " + std::to_string(columns) + " columns, a row has " +
                       std::to_string(row.size()),
                   "The extension's SQL script and its library are of different versions.",
                   "Run ALTER EXTENSION pg_pitr UPDATE.");
    }
    Row converted = row;
    for (Cell& cell : converted)
      if (cell) cell = ToServerEncoding(*cell);
    for (size_t i = 0; i < columns; i++) values[i] = converted[i] ? converted[i]->data() : nullptr;
    char** texts = values.data();
    PgCall([info, metadata, texts] {
      HeapTuple tuple = BuildTupleFromCStrings(metadata, texts);
      tuplestore_puttuple(info->setResult, tuple);
      heap_freetuple(tuple);
    });
  }
}

std::string TextArgument(FunctionCallInfo fcinfo, int n, const std::string& if_null) {
  if (PG_ARGISNULL(n)) return if_null;
  char* value = PgCall([fcinfo, n] { return text_to_cstring(PG_GETARG_TEXT_PP(n)); });
  std::string copy = value;
  PgCall([value] { pfree(value); });
  return FromServerEncoding(copy);
}

std::string ArgumentAsText(FunctionCallInfo fcinfo, int n, Oid output_function) {
  if (PG_ARGISNULL(n)) return "";
  char* value =
      PgCall([fcinfo, n, output_function] { return OidOutputFunctionCall(output_function, PG_GETARG_DATUM(n)); });
  std::string copy = value;
  PgCall([value] { pfree(value); });
  return FromServerEncoding(copy);
}

}  // namespace pitr::server

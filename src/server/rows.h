// Results of SQL functions: rows of text values, handed to PostgreSQL at the end in one go. The server's input
// functions turn the texts into the column types, so no function here knows a type's binary form. Texts are UTF-8 here,
// and converted from and to the database's encoding (encoding.h).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/pg/lsn.h"
#include "server/pg.h"

namespace pitr::server {

using Cell = std::optional<std::string>;  // nullopt: NULL
using Row = std::vector<Cell>;

// Cells. The "OrNull" ones turn what means "unknown" into NULL.
Cell TextOrNull(const std::string& text);
Cell BoolCell(bool value);
Cell NumberCell(uint64_t value);
Cell TimestampOrNull(int64_t wall_micros);  // 0: NULL
Cell LsnOrNull(Lsn lsn);

// Returns `rows` as the set the function declares. May throw PgError. Every row has as many cells as the function has
// columns.
void ReturnRows(FunctionCallInfo fcinfo, const std::vector<Row>& rows);

// Arguments of an SQL function.
std::string TextArgument(FunctionCallInfo fcinfo, int n, const std::string& if_null = "");

// Calls a type's output function: the text of any argument, "" for NULL.
std::string ArgumentAsText(FunctionCallInfo fcinfo, int n, Oid output_function);

}  // namespace pitr::server

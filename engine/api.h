/* api.h: the part of DuckDB's C API that Leat uses, one table; private to engine/.
 *
 * The library is loaded at run time, so nothing is linked and no header of DuckDB is needed: each row below
 * declares one function (return type, name without `duckdb_`, parameters). Handles are `void *`; the few
 * structs that are passed by value have DuckDB's layout (duckdb.h of 1.5). */
#ifndef LEAT_ENGINE_API_H
#define LEAT_ENGINE_API_H

#include <stdbool.h>
#include <stdint.h>

struct duckdb_result {
    uint64_t deprecated[3];
    void *deprecated_columns;
    char *deprecated_error;
    void *internal;
};

struct duckdb_progress {
    double percentage;
    uint64_t rows_processed, total_rows;
};

struct duckdb_hugeint {
    uint64_t lower;
    int64_t upper;
};

struct duckdb_decimal {
    uint8_t width, scale;
    struct duckdb_hugeint value;
};

struct duckdb_date {
    int32_t days;
};

struct duckdb_timestamp {
    int64_t micros;
};

struct duckdb_interval {
    int32_t months, days;
    int64_t micros;
};

struct duckdb_list_entry {
    uint64_t offset, length;
};

/* Up to 12 bytes lie in the struct itself. */
struct duckdb_string {
    uint32_t length;
    char prefix[4];
    const char *pointer;
};

/* X(id, name): the numbers are part of the C API. */
#define DUCKDB_TYPE_LIST(X)                                                                                  \
    X(1, BOOLEAN)                                                                                            \
    X(2, TINYINT)                                                                                            \
    X(3, SMALLINT)                                                                                           \
    X(4, INTEGER)                                                                                            \
    X(5, BIGINT)                                                                                             \
    X(6, UTINYINT)                                                                                           \
    X(7, USMALLINT)                                                                                          \
    X(8, UINTEGER)                                                                                           \
    X(9, UBIGINT)                                                                                            \
    X(10, FLOAT)                                                                                             \
    X(11, DOUBLE)                                                                                            \
    X(12, TIMESTAMP)                                                                                         \
    X(13, DATE)                                                                                              \
    X(14, TIME)                                                                                              \
    X(15, INTERVAL)                                                                                          \
    X(16, HUGEINT)                                                                                           \
    X(17, VARCHAR)                                                                                           \
    X(18, BLOB)                                                                                              \
    X(19, DECIMAL)                                                                                           \
    X(20, TIMESTAMP_S)                                                                                       \
    X(21, TIMESTAMP_MS)                                                                                      \
    X(22, TIMESTAMP_NS)                                                                                      \
    X(23, ENUM)                                                                                              \
    X(24, LIST)                                                                                              \
    X(25, STRUCT)                                                                                            \
    X(26, MAP)                                                                                               \
    X(27, UUID)                                                                                              \
    X(28, UNION)                                                                                             \
    X(29, BIT)                                                                                               \
    X(30, TIME_TZ)                                                                                           \
    X(31, TIMESTAMP_TZ)                                                                                      \
    X(32, UHUGEINT)                                                                                          \
    X(33, ARRAY)                                                                                             \
    X(35, BIGNUM)                                                                                            \
    X(36, SQLNULL)                                                                                           \
    X(39, TIME_NS)

enum duckdb_type {
#define X(id, name) DT_##name = id,
    DUCKDB_TYPE_LIST(X)
#undef X
};

enum { PENDING_READY = 0, PENDING_NOT_READY = 1, PENDING_ERROR = 2, PENDING_NO_TASKS = 3 };

#define DUCKDB_API_LIST(X)                                                                                   \
    /* the library, a database, a connection */                                                              \
    X(const char *, library_version, (void))                                                                 \
    X(int, create_config, (void **config))                                                                   \
    X(int, set_config, (void *config, const char *name, const char *option))                                 \
    X(void, destroy_config, (void **config))                                                                 \
    X(int, open_ext, (const char *path, void **database, void *config, char **error))                        \
    X(void, close, (void **database))                                                                        \
    X(int, connect, (void *database, void **connection))                                                     \
    X(void, disconnect, (void **connection))                                                                 \
    X(void, interrupt, (void *connection))                                                                   \
    X(struct duckdb_progress, query_progress, (void *connection))                                            \
    X(void, free, (void *p))                                                                                 \
    /* statements */                                                                                         \
    X(uint64_t, extract_statements, (void *connection, const char *sql, void **extracted))                   \
    X(const char *, extract_statements_error, (void *extracted))                                             \
    X(int, prepare_extracted_statement,                                                                      \
      (void *connection, void *extracted, uint64_t index, void **statement))                                 \
    X(void, destroy_extracted, (void **extracted))                                                           \
    X(const char *, prepare_error, (void *statement))                                                        \
    X(void, destroy_prepare, (void **statement))                                                             \
    X(uint64_t, nparams, (void *statement))                                                                  \
    X(const char *, parameter_name, (void *statement, uint64_t index))                                       \
    X(int, bind_parameter_index, (void *statement, uint64_t *index, const char *name))                       \
    X(int, bind_value, (void *statement, uint64_t index, void *value))                                       \
    X(int, pending_prepared_streaming, (void *statement, void **pending))                                    \
    X(int, pending_execute_task, (void *pending))                                                            \
    X(const char *, pending_error, (void *pending))                                                          \
    X(int, execute_pending, (void *pending, struct duckdb_result *out))                                      \
    X(void, destroy_pending, (void **pending))                                                               \
    /* results */                                                                                            \
    X(uint64_t, column_count, (struct duckdb_result * result))                                               \
    X(const char *, column_name, (struct duckdb_result * result, uint64_t column))                           \
    X(void *, column_logical_type, (struct duckdb_result * result, uint64_t column))                         \
    X(const char *, result_error, (struct duckdb_result * result))                                           \
    X(void, destroy_result, (struct duckdb_result * result))                                                 \
    X(void *, fetch_chunk, (struct duckdb_result result))                                                    \
    X(void, destroy_data_chunk, (void **chunk))                                                              \
    X(uint64_t, data_chunk_get_size, (void *chunk))                                                          \
    X(void *, data_chunk_get_vector, (void *chunk, uint64_t column))                                         \
    X(void *, vector_get_data, (void *vector))                                                               \
    X(uint64_t *, vector_get_validity, (void *vector))                                                       \
    X(void *, list_vector_get_child, (void *vector))                                                         \
    X(void *, array_vector_get_child, (void *vector))                                                        \
    X(void *, struct_vector_get_child, (void *vector, uint64_t index))                                       \
    /* types */                                                                                              \
    X(int, get_type_id, (void *type))                                                                        \
    X(char *, logical_type_get_alias, (void *type))                                                          \
    X(uint8_t, decimal_width, (void *type))                                                                  \
    X(uint8_t, decimal_scale, (void *type))                                                                  \
    X(int, decimal_internal_type, (void *type))                                                              \
    X(int, enum_internal_type, (void *type))                                                                 \
    X(uint32_t, enum_dictionary_size, (void *type))                                                          \
    X(char *, enum_dictionary_value, (void *type, uint64_t index))                                           \
    X(void *, list_type_child_type, (void *type))                                                            \
    X(void *, array_type_child_type, (void *type))                                                           \
    X(uint64_t, array_type_array_size, (void *type))                                                         \
    X(void *, map_type_key_type, (void *type))                                                               \
    X(void *, map_type_value_type, (void *type))                                                             \
    X(uint64_t, struct_type_child_count, (void *type))                                                       \
    X(char *, struct_type_child_name, (void *type, uint64_t index))                                          \
    X(void *, struct_type_child_type, (void *type, uint64_t index))                                          \
    X(void *, create_logical_type, (int type))                                                               \
    X(void, destroy_logical_type, (void **type))                                                             \
    /* values to bind */                                                                                     \
    X(void *, create_varchar, (const char *text))                                                            \
    X(void *, create_int64, (int64_t n))                                                                     \
    X(void *, create_double, (double n))                                                                     \
    X(void *, create_bool, (bool yes))                                                                       \
    X(void *, create_decimal, (struct duckdb_decimal n))                                                     \
    X(void *, create_date, (struct duckdb_date day))                                                         \
    X(void *, create_timestamp_tz, (struct duckdb_timestamp at))                                             \
    X(void *, create_null_value, (void))                                                                     \
    X(void *, create_list_value, (void *type, void **values, uint64_t count))                                \
    X(void, destroy_value, (void **value))

struct duckdb_api {
#define X(ret, name, args) ret(*name) args;
    DUCKDB_API_LIST(X)
#undef X
    char path[4096]; /* the file it came from */
};

struct err;
/* Loads the library once per process and fills the table; see duck_open() for the order of search. */
const struct duckdb_api *duckdb_api_load(struct err *err);

#endif

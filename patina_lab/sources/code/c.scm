(function_definition) @function
(struct_specifier body: (_)) @struct
(union_specifier body: (_)) @union
(enum_specifier body: (_)) @enum
(type_definition declarator: (_) @typedef)
(field_declaration declarator: (_) @field)
(enumerator) @variant
(preproc_def) @macro
(preproc_function_def) @macro
(declaration declarator: (_) @declaration)

(preproc_include) @import

(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (field_identifier) @call))

(if_statement) @branch
(for_statement) @branch
(while_statement) @branch
(do_statement) @branch
(case_statement value: (_)) @branch
(conditional_expression) @branch
(binary_expression operator: ["&&" "||"]) @branch

(ERROR) @error

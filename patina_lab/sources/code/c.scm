(function_definition) @function
(struct_specifier body: (_)) @struct
(union_specifier body: (_)) @union
(enum_specifier body: (_)) @enum
(type_definition declarator: (_) @typedef)
(field_declaration declarator: (_) @field)
(enumerator) @variant
(preproc_def) @macro
(preproc_function_def) @macro
; What a file declares, not a function inside.
(translation_unit (declaration declarator: (_) @declaration))
(linkage_specification (declaration declarator: (_) @declaration))
(declaration_list (declaration declarator: (_) @declaration))
(preproc_if (declaration declarator: (_) @declaration))
(preproc_ifdef (declaration declarator: (_) @declaration))
(preproc_else (declaration declarator: (_) @declaration))
(preproc_elif (declaration declarator: (_) @declaration))

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

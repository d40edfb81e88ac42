(function_declaration) @function
(method_declaration) @function
(type_spec) @type
(type_alias) @type
; Also those inside functions: a pattern that begins at the file is tried at every node.
(const_spec (identifier) @constant)
(var_spec name: (identifier) @variable)
(field_declaration name: (field_identifier) @field)
(field_declaration !name) @embedded
(interface_type (method_elem) @signature)

(import_spec) @import
(package_clause (package_identifier) @package)

(call_expression function: (identifier) @call)
(call_expression function: (selector_expression field: (field_identifier) @call))

(if_statement) @branch
(for_statement) @branch
(expression_case) @branch
(type_case) @branch
(communication_case) @branch
(binary_expression operator: ["&&" "||"]) @branch

(ERROR) @error

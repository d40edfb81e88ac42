(function_item) @function
(function_signature_item) @signature
(struct_item) @struct
(union_item) @union
(enum_item) @enum
(trait_item) @trait
(type_item) @type
(associated_type) @type
(const_item) @constant
(static_item) @constant
(macro_definition) @macro
(mod_item body: (_)) @module
(impl_item) @impl
(field_declaration) @field
(enum_variant) @variant

(use_declaration) @import
(extern_crate_declaration) @import
(mod_item !body) @import

(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (field_identifier) @call))
(call_expression function: (scoped_identifier name: (identifier) @call))
(call_expression function: (generic_function function: (identifier) @call))
(call_expression function: (generic_function function: (field_expression field: (field_identifier) @call)))
(call_expression function: (generic_function function: (scoped_identifier name: (identifier) @call)))
(macro_invocation macro: (identifier) @call)
(macro_invocation macro: (scoped_identifier name: (identifier) @call))

(if_expression) @branch
(match_arm) @branch
(while_expression) @branch
(for_expression) @branch
(loop_expression) @branch
(try_expression) @branch
(binary_expression operator: ["&&" "||"]) @branch

(ERROR) @error

; Captures of a name become a definition, an import, a call (its name), a branch, an error or the name of the package.
(function_definition) @function
(class_definition) @class
(type_alias_statement) @type
(module (expression_statement (assignment left: (identifier)) @constant))
(class_definition body: (block (expression_statement (assignment left: (identifier)) @member)))

(import_statement) @import
(import_from_statement) @import
(future_import_statement) @import

(call function: (identifier) @call)
(call function: (attribute attribute: (identifier) @call))
; [*f(x)]: the grammar takes the star for a part of what is called.
(call function: (list_splat (identifier) @call))
(call function: (list_splat (attribute attribute: (identifier) @call)))

(if_statement) @branch
(elif_clause) @branch
(for_statement) @branch
(while_statement) @branch
(except_clause) @branch
(case_clause) @branch
(boolean_operator) @branch
(conditional_expression) @branch
(for_in_clause) @branch
(if_clause) @branch

(ERROR) @error

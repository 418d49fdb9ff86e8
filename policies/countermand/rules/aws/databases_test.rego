package countermand.rules.aws_test

import data.countermand.lib.example_test as example
import data.countermand.rules.aws

_database(operation, params) := example.codes(found) if {
	found := aws.findings with input as example.document({
		"tool": "aws",
		"operation": operation,
		"params": params,
		"facts": example.known({"settings": {"AllocatedStorage": 100}}),
	})
}

test_a_delete_with_a_final_snapshot_is_not_limited if {
	_database("rds.DeleteDBInstance", {"FinalDBSnapshotIdentifier": "last"}) == set()
}

test_a_delete_that_skips_it_is_denied if {
	_database("rds.DeleteDBInstance", {"SkipFinalSnapshot": true}) == {"AWS_NO_FINAL_SNAPSHOT"}
}

test_a_delete_that_names_and_skips_it_is_denied if {
	params := {"FinalDBSnapshotIdentifier": "last", "SkipFinalSnapshot": true}
	_database("rds.DeleteDBInstance", params) == {"AWS_NO_FINAL_SNAPSHOT"}
}

test_a_delete_that_says_nothing_is_denied if {
	_database("redshift.DeleteCluster", {}) == {"AWS_NO_FINAL_SNAPSHOT"}
}

test_more_storage_is_not_limited if _database("rds.ModifyDBInstance", {"AllocatedStorage": 101}) == set()

test_less_storage_is_denied if _database("rds.ModifyDBInstance", {"AllocatedStorage": 99}) == {"AWS_STORAGE_SHRUNK"}

test_storage_in_text_is_denied if {
	_database("rds.ModifyDBInstance", {"AllocatedStorage": "500"}) == {"AWS_STORAGE_SHRUNK"}
}

test_an_unprotected_database_is_denied if {
	_database("rds.ModifyDBInstance", {"DeletionProtection": false}) == {"AWS_DELETION_PROTECTION_OFF"}
}

test_an_unprotected_instance_is_denied if {
	_database("ec2.ModifyInstanceAttribute", {"DisableApiTermination": {"Value": false}}) == {"AWS_DELETION_PROTECTION_OFF"}
}

test_a_protected_database_is_not_limited if _database("rds.ModifyDBInstance", {"DeletionProtection": true}) == set()

test_a_public_database_is_denied if {
	_database("rds.ModifyDBInstance", {"PubliclyAccessible": true}) == {"AWS_PUBLIC_ACCESS"}
}

test_a_new_password_is_denied if {
	_database("rds.ModifyDBInstance", {"MasterUserPassword": "secretref:1"}) == {"AWS_PASSWORD_CHANGED"}
}

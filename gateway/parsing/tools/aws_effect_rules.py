"""What the IAM level and the name of an AWS operation do not say: a readable table, reviewed by hand.

Lists A to D are those of the study of 22,000 IAM actions: A, a read-like name that IAM calls a write, needs no row (the
level decides). B leaks secrets or data, C acts though IAM says Read, D carries code in a parameter.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from gateway.core.effect import Effect
from gateway.parsing.tools.refuse import words_of

_SENSITIVE = frozenset({Effect.READ_SENSITIVE})
_SECRET = frozenset({Effect.READ_SENSITIVE, Effect.EGRESS})
_CREDENTIAL = frozenset({Effect.PRIVILEGE, Effect.EGRESS})
_WRITE = frozenset({Effect.WRITE})
_CODE = frozenset({Effect.UNKNOWN})
_PRIVILEGE = frozenset({Effect.PRIVILEGE, Effect.WRITE})
_EGRESS = frozenset({Effect.EGRESS, Effect.WRITE})
_BOUNDARY = frozenset({Effect.BOUNDARY, Effect.WRITE})
_DESTRUCTIVE = frozenset({Effect.DESTRUCTIVE, Effect.WRITE})
_READ = frozenset({Effect.READ})

_CONFIGURATION = "returns environment variables, user data or templates"
_KEYS = "returns keys or shared secrets of a resource"
# Reads of known structures: a `--query` that leaves the doubtful members out makes them plain.
CONFIGURATION = frozenset({_CONFIGURATION, _KEYS})
LISTS = re.compile(r"(Describe|List|BatchGet)(?=[A-Z])")
# Here the id of a key is the key.
KEY_IS_ID = words_of("appsync.ListApiKeys wafv2.ListAPIKeys")

_ROWS: tuple[tuple[frozenset[Effect], str, str], ...] = (
    # B: data that may hold anything, and configuration with environment variables or user data
    (_SENSITIVE, "returns log lines, records or objects", """
        logs.GetLogEvents logs.FilterLogEvents logs.GetQueryResults logs.GetLogRecord s3.GetObject
        s3.SelectObjectContent s3.GetObjectTorrent dynamodb.Scan dynamodb.Query dynamodb.GetItem
        dynamodb.BatchGetItem dynamodb.TransactGetItems dynamodbstreams.GetRecords kinesis.GetRecords
        rds.DownloadDBLogFilePortion athena.GetQueryResults redshift-data.GetStatementResult xray.BatchGetTraces
        ec2.GetConsoleOutput ec2.GetConsoleScreenshot pi.GetDimensionKeyDetails cloudtrail.GetQueryResults
        athena.GetCalculationExecutionCode ecr.GetDownloadUrlForLayer lambda.GetLayerVersion
        lambda.GetLayerVersionByArn config.GetResourceConfigHistory config.BatchGetResourceConfig
        config.BatchGetAggregateResourceConfig config.GetAggregateResourceConfig ssm.GetAutomationExecution
        macie2.GetSensitiveDataOccurrences inspector2.BatchGetCodeSnippet rum.GetAppMonitorData
        support.DescribeAttachment support.DescribeCases support.DescribeCommunications batch.DescribeServiceJob
        servicecatalog.DescribeRecord ssm.DescribeAutomationStepExecutions ec2.GetInstanceUefiData
        lightsail.GetContainerLog keyspacesstreams.GetRecords mailmanager.GetArchiveMessage
        servicecatalog.GetProvisionedProductOutputs qbusiness.SearchRelevantContent glue.GetStatement
        glue.ListStatements wafv2.GetSampledRequests"""),
    (_SENSITIVE, _CONFIGURATION, """
        appsync.GetGraphqlApiEnvironmentVariables cloudformation.GetGeneratedTemplate dms.DescribeCertificates
        ecs.DescribeDaemonTaskDefinition ecs.DescribeExpressGatewayService mq.DescribeConfigurationRevision
        lambda.GetFunction lambda.GetFunctionConfiguration lambda.ListFunctions lambda.ListVersionsByFunction
        ecs.DescribeTaskDefinition ecs.DescribeTasks ec2.DescribeLaunchTemplateVersions
        ec2.GetLaunchTemplateData codebuild.BatchGetProjects codebuild.BatchGetBuilds
        codebuild.BatchGetBuildBatches amplify.ListApps amplify.GetApp amplify.GetBranch amplify.ListBranches
        elasticbeanstalk.DescribeConfigurationSettings batch.DescribeJobDefinitions batch.DescribeJobs
        apprunner.DescribeService cloudformation.GetTemplate imagebuilder.GetComponent glue.GetJob glue.GetJobs
        apigateway.GetExport appconfig.GetHostedConfigurationVersion autoscaling.DescribeLaunchConfigurations
        ssm.GetDocument ssm.GetCommandInvocation ssm.ListCommandInvocations ssm.ListCommands
        events.ListTargetsByRule sagemaker.DescribeTrainingJob emr.DescribeCluster emr.ListSteps
        emr.DescribeStep datapipeline.GetPipelineDefinition mwaa.GetEnvironment
        kinesisanalyticsv2.DescribeApplication kinesisanalyticsv2.DescribeApplicationVersion scheduler.GetSchedule
        cloudformation.DescribeStackSet codepipeline.GetPipeline emr.DescribeNotebookExecution glue.GetJobRun
        glue.GetJobRuns glue.GetTrigger glue.GetTriggers glue.BatchGetTriggers glue.GetDevEndpoint
        glue.GetDevEndpoints glue.BatchGetDevEndpoints glue.GetSession glue.ListSessions glue.GetWorkflowRun"""),
    (_SENSITIVE, _KEYS, """
        cognito-idp.DescribeIdentityProvider cognito-idp.GetIdentityProviderByIdentifier wafv2.ListAPIKeys
        cognito-idp.DescribeUserPoolClient ds.DescribeDirectories dms.DescribeEndpoints
        ec2.DescribeVpnConnections ec2.DescribeVerifiedAccessTrustProviders lightsail.GetRelationalDatabases
        iam.GetCredentialReport apigateway.GetUsagePlanKeys apigateway.GetUsagePlanKey
        cloudfront.GetDistribution cloudfront.GetDistributionConfig cloudfront.ListDistributions
        eks.DescribeEksAnywhereSubscription eks.ListEksAnywhereSubscriptions
        appsync.ListApiKeys redshift.DescribeHsmConfigurations glue.GetConnection glue.GetConnections"""),
    (_SECRET, "returns a secret value", """
        secretsmanager.GetSecretValue secretsmanager.BatchGetSecretValue secretsmanager.GetRandomPassword
        ec2.GetPasswordData acm.ExportCertificate lightsail.DownloadDefaultKeyPair
        lightsail.GetRelationalDatabaseMasterUserPassword kms.Decrypt kms.GetParametersForImport
        ssm.GetAccessToken wafv2.GetDecryptedAPIKey snowball.GetJobUnlockCode snowball.GetJobManifest
        payment-cryptography.GetParametersForExport"""),
    (_CREDENTIAL, "mints a credential", """
        sts.GetSessionToken sts.GetFederationToken sts.AssumeRole sts.AssumeRoot sts.AssumeRoleWithSAML
        sts.AssumeRoleWithWebIdentity sts.GetDelegatedAccessToken sts.GetWebIdentityToken
        ecr.GetAuthorizationToken ecr-public.GetAuthorizationToken codeartifact.GetAuthorizationToken
        cognito-identity.GetCredentialsForIdentity cognito-identity.GetOpenIdToken
        cognito-identity.GetOpenIdTokenForDeveloperIdentity cognito-identity.GetId
        cognito-idp.GetTokensFromRefreshToken connect.GetFederationToken eks-auth.AssumeRoleForPodIdentity
        datazone.GetEnvironmentCredentials datazone.GetIamPortalLoginUrl codepipeline.GetJobDetails
        codepipeline.GetThirdPartyJobDetails lakeformation.GetTemporaryGluePartitionCredentials
        lakeformation.GetTemporaryGlueTableCredentials lakeformation.GetTemporaryDataLocationCredentials
        redshift.GetClusterCredentials redshift.GetClusterCredentialsWithIAM redshift.GetIdentityCenterAuthToken
        redshift-serverless.GetCredentials emr.GetClusterSessionCredentials emr.GetOnClusterAppUIPresignedURL
        emr.GetPersistentAppUIPresignedURL emr.GetSessionEndpoint
        emr-containers.GetManagedEndpointSessionCredentials lightsail.GetInstanceAccessDetails
        gamelift.RequestUploadCredentials gamelift.GetInstanceAccess gamelift.GetComputeAccess s3.CreateSession
        s3control.GetDataAccess sso.GetRoleCredentials sso-oidc.CreateToken sso-oidc.CreateTokenWithIAM
        signin.CreateOAuth2Token mwaa.CreateCliToken mwaa.CreateWebLoginToken sagemaker.CreatePresignedDomainUrl
        sagemaker.CreatePresignedNotebookInstanceUrl athena.GetSessionEndpoint glue.GetSessionEndpoint
        glue.GetDashboardUrl kinesisanalyticsv2.CreateApplicationPresignedUrl
        bedrock-agentcore.GetWorkloadAccessToken bedrock-agentcore.GetWorkloadAccessTokenForJWT
        bedrock-agentcore.GetWorkloadAccessTokenForUserId"""),
    (_CREDENTIAL, "returns an address that is a credential", """
        kinesis-video-archived-media.GetHLSStreamingSessionURL finspace-data.GetProgrammaticAccessCredentials
        kinesis-video-archived-media.GetDASHStreamingSessionURL amplifybackend.GetToken license-manager.GetAccessToken
        m2.GetSignedBluinsightsUrl emr-serverless.GetDashboardForJobRun emr-serverless.GetResourceDashboard"""),
    # C: IAM says Read, the verb acts
    (_WRITE | _SENSITIVE, "hides what it returns from others", "sqs.ReceiveMessage stepfunctions.GetActivityTask"),
    (_WRITE, "starts work or changes state", """
        config.DeliverConfigSnapshot iam.GenerateCredentialReport iam.GenerateServiceLastAccessedDetails
        iam.GenerateOrganizationsAccessReport logs.StartQuery logs.StartLiveTail logs.StopQuery
        kinesis.SubscribeToShard xray.StartTraceRetrieval xray.CancelTraceRetrieval xray.GetSamplingTargets
        polly.StartSpeechSynthesisStream ec2.StartDeclarativePoliciesReport
        service-quotas.StartQuotaUtilizationReport elasticbeanstalk.RequestEnvironmentInfo
        ssm.StartExecutionPreview dms.TestConnection transfer.TestIdentityProvider iot.TestInvokeAuthorizer
        ssm.GetDeployablePatchSnapshotForInstance bedrock-runtime.InvokeModel bedrock-runtime.Converse
        sagemaker-runtime.InvokeEndpoint sagemaker-runtime.InvokeEndpointAsync apigateway.TestInvokeMethod
        apigateway.TestInvokeAuthorizer"""),
    # D: code, SQL or commands in a parameter
    (_CODE, "runs SQL or PartiQL that is in a parameter", """
        rds-data.ExecuteStatement rds-data.BatchExecuteStatement rds-data.ExecuteSql
        redshift-data.ExecuteStatement redshift-data.BatchExecuteStatement athena.StartQueryExecution
        dynamodb.ExecuteStatement dynamodb.BatchExecuteStatement dynamodb.ExecuteTransaction
        timestream-query.Query neptunedata.ExecuteGremlinQuery neptunedata.ExecuteOpenCypherQuery
        neptune-graph.ExecuteQuery cloudtrail.StartQuery s3tables.ExecuteStatement"""),
    (_CODE, "runs commands or code that are in a parameter", """
        ssm.SendCommand ssm.StartAutomationExecution ssm.StartChangeRequestExecution ssm.CreateAssociation
        ssm.CreateAssociationBatch ssm.UpdateAssociation ssm.StartAssociationsOnce ssm.CreateDocument
        ssm.UpdateDocument ssm.RegisterTaskWithMaintenanceWindow ssm.UpdateMaintenanceWindowTask lambda.Invoke
        lambda.InvokeAsync lambda.InvokeWithResponseStream codebuild.StartBuild codebuild.StartBuildBatch
        codebuild.StartCommandExecution glue.StartJobRun glue.RunStatement emr.AddJobFlowSteps emr.RunJobFlow
        emr-containers.StartJobRun emr-serverless.StartJobRun batch.SubmitJob stepfunctions.StartExecution
        stepfunctions.StartSyncExecution stepfunctions.TestState iot-data.Publish
        datapipeline.PutPipelineDefinition gamelift.CreateScript cloudcontrol.CreateResource
        cloudcontrol.UpdateResource bedrock-agent-runtime.InvokeAgent bedrock-agentcore.InvokeCodeInterpreter"""),
    (_PRIVILEGE, "deploys code that runs with a role of its own", """
        lambda.CreateFunction lambda.UpdateFunctionCode lambda.PublishLayerVersion
        lambda.CreateEventSourceMapping codebuild.CreateProject codebuild.UpdateProject
        ecs.RegisterTaskDefinition ecs.RunTask ecs.StartTask cloudformation.CreateStack
        cloudformation.UpdateStack cloudformation.CreateChangeSet cloudformation.ExecuteChangeSet
        cloudformation.CreateStackSet cloudformation.UpdateStackSet stepfunctions.CreateStateMachine
        stepfunctions.UpdateStateMachine glue.CreateJob glue.UpdateJob events.PutTargets events.PutRule
        scheduler.CreateSchedule scheduler.UpdateSchedule batch.RegisterJobDefinition
        imagebuilder.CreateComponent ec2.ReplaceIamInstanceProfileAssociation ec2.AssociateIamInstanceProfile
        iot.CreateTopicRule"""),
    # who may do what
    (_PRIVILEGE, "changes who may do what, or shares with another account", """
        ec2.ModifySnapshotAttribute ec2.ModifyImageAttribute ec2.ModifyFpgaImageAttribute
        rds.ModifyDBSnapshotAttribute rds.ModifyDBClusterSnapshotAttribute ec2.CreateKeyPair ec2.ImportKeyPair
        ec2.ResetSnapshotAttribute ec2.ModifyInstanceMetadataOptions ec2.DisableImageBlockPublicAccess
        ec2.DisableSnapshotBlockPublicAccess ec2.EnableSerialConsoleAccess eks.CreateAccessEntry
        eks.UpdateAccessEntry eks.AssociateAccessPolicy eks.CreatePodIdentityAssociation
        eks.UpdatePodIdentityAssociation eks.AssociateIdentityProviderConfig redshift.AuthorizeSnapshotAccess
        docdb.ModifyDBClusterSnapshotAttribute neptune.ModifyDBClusterSnapshotAttribute cloudtrail.StopLogging
        cloudtrail.DeleteTrail cloudtrail.UpdateTrail cloudtrail.PutEventSelectors
        config.StopConfigurationRecorder config.DeleteConfigurationRecorder guardduty.DeleteDetector
        guardduty.UpdateDetector securityhub.DisableSecurityHub apigateway.CreateApiKey
        apigateway.UpdateAuthorizer cognito-idp.AdminAddUserToGroup cognito-idp.AdminSetUserPassword
        cognito-idp.AdminCreateUser rds.AddRoleToDBCluster rds.AddRoleToDBInstance ssm.ModifyDocumentPermission
        servicecatalog.AssociatePrincipalWithPortfolio rds.CreateCustomDBEngineVersion"""),
    # data leaves
    (_EGRESS, "sends data to another place", """
        s3.PutBucketReplication s3.CopyObject s3.PutBucketNotificationConfiguration
        dynamodb.ExportTableToPointInTime rds.StartExportTask logs.CreateExportTask logs.PutSubscriptionFilter
        logs.PutDestination cloudwatch.PutMetricStream ec2.CreateStoreImageTask ec2.ExportImage
        ec2.CreateInstanceExportTask ec2.CopySnapshot ec2.CopyImage rds.CopyDBSnapshot rds.CopyDBClusterSnapshot
        rds.CreateBlueGreenDeployment sns.Subscribe sns.Publish sns.PublishBatch sqs.SendMessage
        sqs.SendMessageBatch ses.SendEmail ses.SendRawEmail sesv2.SendEmail ecr.PutReplicationConfiguration
        events.PutEvents firehose.CreateDeliveryStream firehose.UpdateDestination ec2.CreateTrafficMirrorSession
        route53.CreateQueryLoggingConfig cloudtrail.CreateTrail backup.StartCopyJob s3.PutBucketLogging
        ec2.CreateFlowLogs"""),
    # network boundaries that the name alone does not show
    (_BOUNDARY, "changes the network boundary", """
        elbv2.SetSecurityGroups elb.ApplySecurityGroupsToLoadBalancer ec2.ModifyNetworkInterfaceAttribute
        ec2.ModifySubnetAttribute ec2.AssociateAddress ec2.DisassociateAddress elbv2.SetSubnets
        apigateway.CreateDomainName wafv2.AssociateWebACL wafv2.DisassociateWebACL wafv2.UpdateWebACL
        wafv2.UpdateIPSet wafv2.UpdateRuleGroup wafv2.DeleteWebACL wafv2.DeleteIPSet
        route53resolver.UpdateFirewallRule eks.UpdateClusterConfig elbv2.CreateLoadBalancer elbv2.CreateListener
        elb.CreateLoadBalancerListeners"""),
    # outages and losses behind a harmless verb
    (_DESTRUCTIVE, "loses data or takes a service down behind a harmless verb", """
        dynamodb.UpdateTimeToLive s3.PutBucketLifecycleConfiguration s3.PutBucketVersioning
        logs.PutRetentionPolicy rds.RestoreDBClusterFromS3 rds.BacktrackDBCluster kms.ScheduleKeyDeletion
        elasticache.ResetCacheParameterGroup ecr.BatchDeleteImage s3.DeleteObjects
        organizations.LeaveOrganization organizations.CloseAccount dynamodb.BatchWriteItem
        dynamodb.TransactWriteItems s3.PutBucketObjectLockConfiguration ecr.PutLifecyclePolicy
        autoscaling.TerminateInstanceInAutoScalingGroup"""),
    # what AWS marks as sensitive here are session settings, and option values that it masks itself
    (_READ, "shows settings", "rds.DescribeDBProxyTargetGroups rds.DescribeOptionGroups"),
    # reads whose verb is not a read verb
    (_READ, "only computes an answer", """
        iam.SimulatePrincipalPolicy iam.SimulateCustomPolicy route53.TestDNSAnswer events.TestEventPattern
        logs.TestMetricFilter wafv2.CheckCapacity elasticbeanstalk.CheckDNSAvailability
        cloudformation.ValidateTemplate cloudformation.EstimateTemplateCost cloudformation.DetectStackDrift
        elasticbeanstalk.ValidateConfigurationSettings ecr.BatchCheckLayerAvailability
        route53domains.CheckDomainAvailability servicediscovery.DiscoverInstances"""),
)  # fmt: skip

EFFECTS: Mapping[str, tuple[frozenset[Effect], str]] = MappingProxyType(
    {operation: (effects, reason) for effects, reason, operations in _ROWS for operation in operations.split()}
)

# A session is a shell or a tunnel: what would be done in it cannot be read from the proposal, so it is refused.
SESSIONS = words_of(
    """
        ssm.StartSession ssm.ResumeSession ecs.ExecuteCommand ec2-instance-connect.SendSSHPublicKey
        ec2-instance-connect.SendSerialConsoleSSHPublicKey ssm.StartAccessRequest cloud9.CreateEnvironmentEC2
        iotsecuretunneling.OpenTunnel bedrock-agentcore.InvokeBrowser"""
)

# Verbs that read. A verb that is not here never makes a read by itself.
READ_VERBS = re.compile(r"^(Get|Describe|List|BatchGet|BatchDescribe|Head|Lookup|Search)(?=[A-Z0-9]|$)")
DESTRUCTIVE_VERBS = re.compile(
    r"^(Batch)?(Delete|Terminate|Purge|Deregister|Destroy|Remove|Revoke|Release|Disable|Stop|Reset|Drop|Detach|Discard"
    r"|Disassociate|Deactivate|Deprovision|Expire|Flush|Wipe|Uninstall|Unlink|Shutdown|Schedule\w*Deletion)(?=[A-Z]|$)"
)
# Every write of these services decides who may do what.
PRIVILEGE_SERVICES = words_of(
    "iam sts kms organizations sso-admin identitystore ram secretsmanager accessanalyzer rolesanywhere account "
    "acm-pca verifiedpermissions sso sso-oidc lakeformation controltower"
)
PRIVILEGE_NAMES = re.compile(
    r"(?<!Scaling)(?<!Lifecycle)(?<!Retention)(?<!Backup)(?<!LoadBalancer)(?<!Alarm)(?<!SessionStickiness)(?<!Cache)"
    r"(ResourcePolicy|BucketPolicy|RepositoryPolicy|QueuePolicy|KeyPolicy|AccessPolicy|AccessPointPolicy|Permissions?"
    r"|AccessEntry|Grant|Principal|Credentials?|AccessKey|Password|PublicAccessBlock|(Bucket|Object)?Acl"
    r"|OwnershipControls|IdentityProvider|PodIdentityAssociation)$"
)
BOUNDARY_NAMES = re.compile(
    r"SecurityGroup|NetworkAcl|RouteTable|(^|[a-z])Route$|InternetGateway|NatGateway|VpcPeering|TransitGateway"
    r"|VpnConnection|VpnGateway|VpcEndpoint|Subnet|VpcAttribute|Vpc$|CustomerGateway|DhcpOptions|FirewallRule|FirewallPolicy"
    r"|RuleGroup|WebACL|IPSet|PrefixList|CidrBlock|IpRouting|LocalGateway|CarrierGateway|PublicAccess"
)
BOUNDARY_SERVICES = frozenset({"network-firewall", "directconnect", "networkmanager", "waf", "waf-regional", "shield"})

# Parameters that make a write worse: member, value → effect. True means "given at all".
PARAMETERS: Mapping[tuple[str, bool | int | None], Effect] = MappingProxyType({
    ("SkipFinalSnapshot", True): Effect.DESTRUCTIVE,
    ("SkipFinalClusterSnapshot", True): Effect.DESTRUCTIVE,
    ("DeleteAutomatedBackups", True): Effect.DESTRUCTIVE,
    ("DeletionProtection", False): Effect.DESTRUCTIVE,
    ("DeletionProtectionEnabled", False): Effect.DESTRUCTIVE,
    ("EnableTerminationProtection", False): Effect.DESTRUCTIVE,
    ("ForceDeleteWithoutRecovery", True): Effect.DESTRUCTIVE,
    ("ForceDelete", True): Effect.DESTRUCTIVE,
    ("ForceDestroy", True): Effect.DESTRUCTIVE,
    ("force", True): Effect.DESTRUCTIVE,
    ("BackupRetentionPeriod", 0): Effect.DESTRUCTIVE,
    ("DesiredCapacity", 0): Effect.DESTRUCTIVE,
    ("MaxSize", 0): Effect.DESTRUCTIVE,
    ("desiredCount", 0): Effect.DESTRUCTIVE,
    ("ReservedConcurrentExecutions", 0): Effect.DESTRUCTIVE,
    ("RecoveryWindowInDays", None): Effect.DESTRUCTIVE,
    ("AllowMajorVersionUpgrade", True): Effect.DESTRUCTIVE,
    ("DisableApiTermination", False): Effect.DESTRUCTIVE,
    ("DisableApiStop", False): Effect.DESTRUCTIVE,
    ("PubliclyAccessible", True): Effect.BOUNDARY,
    ("AssociatePublicIpAddress", True): Effect.BOUNDARY,
    ("endpointPublicAccess", True): Effect.BOUNDARY,
    ("MapPublicIpOnLaunch", True): Effect.BOUNDARY,
    ("UserData", None): Effect.UNKNOWN,
    ("TemplateBody", None): Effect.UNKNOWN,
    ("TemplateURL", None): Effect.UNKNOWN,
    ("buildspecOverride", None): Effect.UNKNOWN,
    ("overrides", None): Effect.UNKNOWN,
    ("containerOverrides", None): Effect.UNKNOWN,
    ("enableExecuteCommand", True): Effect.PRIVILEGE,
})  # fmt: skip
# Reads that return secrets when a parameter asks for them; without it they are what their level says.
REVEALING_PARAMETERS: Mapping[str, tuple[str, bool | str]] = MappingProxyType({
    "ssm.GetParameter": ("WithDecryption", True), "ssm.GetParameters": ("WithDecryption", True),
    "ssm.GetParametersByPath": ("WithDecryption", True), "ssm.GetParameterHistory": ("WithDecryption", True),
    "apigateway.GetApiKey": ("includeValue", True), "apigateway.GetApiKeys": ("includeValues", True),
    "ec2.DescribeInstanceAttribute": ("Attribute", "userData"),
})  # fmt: skip
# A read whose name promises a credential, an address to fetch from, or the content of something.
REVEALING_NAMES = re.compile(
    r"(Credentials?|(?<!Change)Token|SignedUrl|SignedURL|ArtifactUrl|UploadURL|UnlockCode|VerificationCode|MessageContent"
    r"|LoginUrl|DashboardUrl|SessionEndpoint)$"
)
SECRET_PARAMETERS = re.compile(
    r"(Password|password|SecretString|SecretBinary|AuthToken|authToken|PrivateKey|ClientSecret)$"
)
ROLE_PARAMETERS = re.compile(r"([Rr]ole(Arn|ARN|Name)?|InstanceProfile)$")
EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})
PUBLIC_ACL = re.compile(r"^(public-read|public-read-write|authenticated-read)$|^uri=.*(AllUsers|AuthenticatedUsers)")
POLICY_MEMBERS = re.compile(
    r"(Policy|PolicyDocument|policy|policyText|PolicyText|AssumeRolePolicyDocument|ResourcePolicy)$"
)

# Writes whose inverse is the same operation with the previous values, read fresh before and after.
COMPENSATED = words_of("""
        apigateway.UpdateUsagePlan apigateway.UpdateStage apigatewayv2.UpdateStage rds.ModifyDBInstance
        rds.ModifyDBCluster rds.ModifyDBParameterGroup rds.ModifyDBClusterParameterGroup docdb.ModifyDBInstance
        docdb.ModifyDBCluster neptune.ModifyDBInstance neptune.ModifyDBCluster autoscaling.SetDesiredCapacity
        autoscaling.UpdateAutoScalingGroup autoscaling.SuspendProcesses autoscaling.ResumeProcesses
        ecs.UpdateService lambda.UpdateFunctionConfiguration lambda.UpdateAlias lambda.PutFunctionConcurrency
        lambda.DeleteFunctionConcurrency lambda.PutProvisionedConcurrencyConfig route53.ChangeResourceRecordSets
        elbv2.ModifyListener elbv2.ModifyRule elbv2.ModifyTargetGroup elbv2.ModifyTargetGroupAttributes
        elbv2.ModifyLoadBalancerAttributes elbv2.RegisterTargets elbv2.DeregisterTargets
        elasticache.ModifyReplicationGroup elasticache.ModifyCacheCluster dynamodb.UpdateTable
        ec2.AuthorizeSecurityGroupIngress ec2.RevokeSecurityGroupIngress ec2.AuthorizeSecurityGroupEgress
        ec2.RevokeSecurityGroupEgress ec2.StartInstances ec2.StopInstances ec2.ModifyInstanceAttribute
        application-autoscaling.RegisterScalableTarget cloudwatch.EnableAlarmActions
        cloudwatch.DisableAlarmActions events.EnableRule events.DisableRule s3.PutBucketPolicy
        iam.UpdateAccessKey kms.ScheduleKeyDeletion kms.CancelKeyDeletion sqs.SetQueueAttributes
        ssm.PutParameter eks.UpdateNodegroupConfig ec2.CreateTags ec2.DeleteTags elasticache.TestFailover
        rds.FailoverDBCluster""")  # fmt: skip
# Nothing to take back: the thing restarts and is as it was.
NEUTRAL = re.compile(r"^(Reboot|Restart)")
